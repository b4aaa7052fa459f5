// SPDX-License-Identifier: MIT
// Compresses standard input to standard output with liblzma, preset 2; -d decompresses.
#include <lzma.h>
#include <stdio.h>
#include <string.h>

static uint8_t in[1 << 16], out[1 << 16];

int main(int argc, char** argv) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const int decompress = argc > 1 && strcmp(argv[1], "-d") == 0;
  lzma_ret result = decompress ? lzma_stream_decoder(&stream, UINT64_MAX, 0)
                               : lzma_easy_encoder(&stream, 2, LZMA_CHECK_CRC64);
  lzma_action action = LZMA_RUN;
  stream.next_out = out;
  stream.avail_out = sizeof out;
  while (result == LZMA_OK) {
    if (stream.avail_in == 0 && action == LZMA_RUN) {
      stream.next_in = in;
      stream.avail_in = fread(in, 1, sizeof in, stdin);
      if (stream.avail_in == 0) action = LZMA_FINISH;
    }
    result = lzma_code(&stream, action);
    if (stream.avail_out == 0 || result == LZMA_STREAM_END) {
      fwrite(out, 1, sizeof out - stream.avail_out, stdout);
      stream.next_out = out;
      stream.avail_out = sizeof out;
    }
  }
  lzma_end(&stream);
  if (result != LZMA_STREAM_END) return fprintf(stderr, "xz: error %d\n", result), 1;
  return fflush(stdout) == 0 ? 0 : 1;
}
