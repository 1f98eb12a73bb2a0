// A mapped file becomes shorter: accesses past its end fault, and a handler makes it longer again and returns, or leaves them. What a function of the library finds so is left to the same handler.
//# level: R3
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static int fd;
static long faults, seen;
static sigjmp_buf back;
static char *bytes;
static long *words;

static void fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  faults++;
  seen = seen * 31 + signal + info->si_code;
  if (faults % 3 == 0) siglongjmp(back, 1);
  if (ftruncate(fd, 4096) != 0) _exit(3);
}

static long sum(const long *w) { return w[0] + 3 * w[1] + 5 * w[70]; }

static long text(const char *b) {
  char copy[32];
  memcpy(copy, b, 20);
  return (long)strlen(b) + copy[3] + (strcmp(b, "x") == 0);
}

static void fill(long i) {
  words[0] = i;
  words[70] = i * 3;
}

static long round_of(long i) {
  if (i % 4 == 0) fill(i);
  return i % 4 == 1 ? text(bytes) : sum(words);
}

// What only the library boundary has to log.
static long later(void) {
  long sum = 0;
  for (int i = 0; i < 3000; i++) sum += times(NULL) + clock();
  return sum;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
  fd = memfd_create("x", 0);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return 1;
  words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  volatile long total = 0;
  for (volatile int i = 0; i < 30; i++) {
    if (i % 3 != 1 && ftruncate(fd, 0) != 0) return 2;
    if (sigsetjmp(back, 1) == 0) total = total * 31 + round_of(i);
    else total = total * 33 + 1;
  }
  // In its registers a function that is not replayed may have left something.
  memset(&back, 0, sizeof back);
  printf("%ld faults, %lx %lx\n", faults, seen, total);
  printf("%d\n", later() > 0);
  return 0;
}
