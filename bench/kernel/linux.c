/* SPDX-License-Identifier: MIT
 * bench_linux CPUS SAMPLES: what the same things take on Linux, in the same cycles and the same form as
 * bench_kernel. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

static int samples;
static double* values;

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}
static void print(const char* name) {
  qsort(values, (size_t)samples, sizeof(double), compare);
  printf("%s %.1f %.1f %.1f\n", name, values[(samples - 1) / 2], values[(samples - 1) / 10],
         values[(samples - 1) * 9 / 10]);
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) exit(1);
}

static void must(ssize_t done, ssize_t wanted) {
  if (done != wanted) exit(1);
}

/* A round trip between two processes. */
static void pipes(const char* name, int other_cpu) {
  const int rounds = 1000;
  int there[2], back[2];
  char byte[8] = {0};
  must(pipe(there) + pipe(back), 0);
  const pid_t child = fork();
  if (child == 0) {
    pin(other_cpu);
    while (read(there[0], byte, 8) == 8) must(write(back[1], byte, 8), 8);
    _exit(0);
  }
  for (int i = -1; i < samples; ++i) {
    const unsigned long long begin = __rdtsc();
    for (int k = 0; k < rounds; ++k) {
      must(write(there[1], byte, 8), 8);
      must(read(back[0], byte, 8), 8);
    }
    if (i >= 0) values[i] = (double)(__rdtsc() - begin) / rounds;
  }
  kill(child, 9);
  waitpid(child, NULL, 0);
  print(name);
}

static int word;
static long futex(int operation, int value) {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}
static void hand_over(int self) {
  while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != self) futex(FUTEX_WAIT, !self);
  __atomic_store_n(&word, !self, __ATOMIC_RELEASE);
  futex(FUTEX_WAKE, 1);
}
static void* other_thread(void* rounds) {
  pin(0);
  for (long i = 0; i < (long)rounds; ++i) hand_over(1);
  return NULL;
}
/* From one thread to the other on one processor. */
static void switches(void) {
  const long rounds = 1000;
  pthread_t thread;
  pthread_create(&thread, NULL, other_thread, (void*)(rounds * (samples + 1)));
  for (int i = -1; i < samples; ++i) {
    const unsigned long long begin = __rdtsc();
    for (long k = 0; k < rounds; ++k) hand_over(0);
    if (i >= 0) values[i] = (double)(__rdtsc() - begin) / (double)(2 * rounds);
  }
  pthread_join(thread, NULL);
  print("thread-switch");
}

static void processes(const char* self) {
  for (int i = 0; i < samples; ++i) {
    const unsigned long long begin = __rdtsc();
    const pid_t child = fork();
    if (child == 0) {
      execl(self, self, (char*)NULL);
      _exit(1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    must(status, 0);
    values[i] = (double)(__rdtsc() - begin);
  }
  print("process");
}

int main(int argc, char** argv) {
  if (argc == 1) return 0; /* what `processes` runs */
  const int cpus = atoi(argv[1]);
  samples = atoi(argv[2]);
  values = calloc((size_t)samples, sizeof(double));
  pin(0);
  if (cpus != 1) {
    pipes("channel-2-cpus", 1);
    return 0;
  }
  for (int i = 0; i < samples; ++i) {
    const unsigned long long begin = __rdtsc();
    for (int k = 0; k < 10000; ++k) syscall(SYS_getpid);
    values[i] = (double)(__rdtsc() - begin) / 10000;
  }
  print("empty-call");
  pipes("channel-1-cpu", 0);
  switches();
  processes(argv[0]);
  return 0;
}
