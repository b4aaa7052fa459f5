// SPDX-License-Identifier: MIT
// Runs the JavaScript of standard input in QuickJS. It sees its arguments as `scriptArgs`, and `print`.
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static JSValue print(JSContext* context, JSValueConst self, int argc, JSValueConst* argv) {
  (void)self;
  for (int i = 0; i < argc; i++) {
    size_t length;
    const char* text = JS_ToCStringLen(context, &length, argv[i]);
    if (text == NULL) return JS_EXCEPTION;
    if (i > 0) putchar(' ');
    fwrite(text, 1, length, stdout);
    JS_FreeCString(context, text);
  }
  putchar('\n');
  return JS_UNDEFINED;
}

static char* read_all(size_t* length) {
  size_t capacity = 1 << 16;
  char* text = malloc(capacity);
  *length = 0;
  while (text != NULL) {
    *length += fread(text + *length, 1, capacity - 1 - *length, stdin);
    if (*length < capacity - 1) break;
    capacity *= 2;
    text = realloc(text, capacity);
  }
  if (text != NULL) text[*length] = 0;  // JS_Eval asks for it
  return text;
}

static int report(JSContext* context) {
  JSValue exception = JS_GetException(context);
  const char* text = JS_ToCString(context, exception);
  JSValue stack = JS_GetPropertyStr(context, exception, "stack");
  const char* frames = JS_IsUndefined(stack) ? NULL : JS_ToCString(context, stack);
  fprintf(stderr, "%s\n%s", text != NULL ? text : "exception", frames != NULL ? frames : "");
  JS_FreeCString(context, text);
  JS_FreeCString(context, frames);
  JS_FreeValue(context, stack);
  JS_FreeValue(context, exception);
  return 1;
}

/// What promises still have to do.
static int run_jobs(JSRuntime* runtime) {
  for (;;) {
    JSContext* context;
    const int done = JS_ExecutePendingJob(runtime, &context);
    if (done < 0) return report(context);
    if (done == 0) return 0;
  }
}

int main(int argc, char** argv) {
  size_t length;
  char* script = read_all(&length);
  JSRuntime* runtime = JS_NewRuntime();
  JSContext* context = runtime == NULL ? NULL : JS_NewContext(runtime);
  if (script == NULL || context == NULL) return 2;
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, print, "print", 1));
  JSValue words = JS_NewArray(context);
  for (int i = 1; i < argc; i++) JS_SetPropertyUint32(context, words, i - 1, JS_NewString(context, argv[i]));
  JS_SetPropertyStr(context, global, "scriptArgs", words);
  JS_FreeValue(context, global);

  JSValue result = JS_Eval(context, script, length, "<stdin>", JS_EVAL_TYPE_GLOBAL);
  const int status = JS_IsException(result) ? report(context) : run_jobs(runtime);
  JS_FreeValue(context, result);
  JS_FreeContext(context);
  JS_FreeRuntime(runtime);
  free(script);
  return fflush(stdout) == 0 ? status : 2;
}
