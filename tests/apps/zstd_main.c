// SPDX-License-Identifier: MIT
// Compresses standard input to standard output with libzstd, level 5; -d decompresses.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zstd.h"

static char in[1 << 17], out[1 << 17];

static size_t checked(size_t result) {
  if (!ZSTD_isError(result)) return result;
  fprintf(stderr, "zstd: %s\n", ZSTD_getErrorName(result));
  exit(1);
}

static void compress(void) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 5));
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
  size_t size, left;
  do {
    size = fread(in, 1, sizeof in, stdin);
    ZSTD_inBuffer input = {in, size, 0};
    do {
      ZSTD_outBuffer output = {out, sizeof out, 0};
      left =
          checked(ZSTD_compressStream2(context, &output, &input, size == 0 ? ZSTD_e_end : ZSTD_e_continue));
      fwrite(out, 1, output.pos, stdout);
    } while (size == 0 ? left != 0 : input.pos != input.size);
  } while (size != 0);
  ZSTD_freeCCtx(context);
}

static void decompress(void) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  size_t size, left = 0;
  while ((size = fread(in, 1, sizeof in, stdin)) != 0) {
    ZSTD_inBuffer input = {in, size, 0};
    while (input.pos != input.size) {
      ZSTD_outBuffer output = {out, sizeof out, 0};
      left = checked(ZSTD_decompressStream(context, &output, &input));
      fwrite(out, 1, output.pos, stdout);
    }
  }
  ZSTD_freeDCtx(context);
  if (left != 0) exit(fprintf(stderr, "zstd: the input is cut\n") ? 1 : 2);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "-d") == 0) {
    decompress();
  } else {
    compress();
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
