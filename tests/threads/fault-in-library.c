// Functions of the library read or write what is not there, and the handler leaves them, or makes the page writable, so that they go on: those whose results are logged, and those that are called at replay, too.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static char *page;
static sigjmp_buf back;
static long faults, seen;

static void fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  faults++;
  // Where in the page it was, and what was to be done there first, is the library's choice.
  seen = seen * 31 + signal + info->si_code + ((uintptr_t)info->si_addr - (uintptr_t)page < 4096);
  if (c->uc_mcontext.gregs[REG_CR2] != (greg_t)info->si_addr) _Exit(3);
  if (faults % 2) siglongjmp(back, 1);
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
static void *idle(void *p) { return p; }

static long call(int which) {
  char text[64] = "";
  struct tm tm = {0};
  switch (which) {
  case 0: return strcmp(page, "x") != 0;
  case 1: return strtol(page, NULL, 10);
  case 2: return getenv(page) != NULL;
  case 3: gmtime_r((time_t *)page, &tm); return tm.tm_sec;
  case 4: return clock_gettime(CLOCK_REALTIME, (struct timespec *)page);
  case 5: return fputs(page, stdout) >= 0;
  case 6: return (long)fwrite(page, 1, 3, stdout);
  case 7: return snprintf(text, sizeof text, "%s", page) + text[1];
  case 8: memcpy(text, page, 20); return text[2];
  case 9: memset(page + 100, 1, 20); return page[0];
  case 10: qsort(page, 5, 1, compare); return page[1];
  case 11: return memchr(page, 'h', 10) != NULL;
  case 12: return (long)strlen(page);
  case 13: return *strdup(page);
  case 14: return setenv("FAULTS", page, 1);
  default: return atoi(page);
  }
}

int main(void) {
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(page, "123 hello");
  volatile long total = 0;
  for (volatile int round = 0; round < 2; round++) {
    for (volatile int i = 0; i < 48; i++) {
      mprotect(page, 4096, PROT_NONE);
      if (sigsetjmp(back, 1) == 0) total = total * 31 + call(i % 16);
      else total = total * 33 + 1;
    }
    // Once more beside a thread.
    pthread_t thread;
    pthread_create(&thread, NULL, idle, page);
    pthread_join(thread, NULL);
  }
  printf("\n%ld faults, %lx %lx\n", faults, seen, total);
  return 0;
}
