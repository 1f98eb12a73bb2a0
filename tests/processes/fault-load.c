// What handlers of faults may do otherwise: fault themselves, on an alternate stack, in children, once only. Loads find pages without access, and a file that became shorter; before there
// are several threads, and after.
//# children: print
//# children: beside threads
//# children: unrecorded if ordered
//# processes: 4
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
  long a, b, c, d;
};

static struct node *first, *second, *file;
static int fd;
static pthread_barrier_t turn;
static sigjmp_buf back;
static long faults, seen, inner;

static void fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t at = (uintptr_t)info->si_addr;
  faults++;
  seen = seen * 31 + info->si_code + signal;
  if (at - (uintptr_t)first < 4096) {
    inner++;
    // Faults as well, where that may be.
    seen += second->b + 3 * second->d;
    mprotect(first, 4096, PROT_READ | PROT_WRITE);
  } else if (signal == SIGBUS) {
    if (faults % 3 == 0) siglongjmp(back, 2);
    if (ftruncate(fd, 4096) != 0) _Exit(3);
  } else {
    if (faults % 5 == 0) siglongjmp(back, 1);
    mprotect(second, 4096, PROT_READ | PROT_WRITE);
  }
}

static void *writes(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_barrier_wait(&turn);
    if (i % 5 == 1) second->d = i;
    if (i % 5 == 2) first->a = i * 1000003;
    if (i % 7 == 3) first->c = second->b = i << 40;
    pthread_barrier_wait(&turn);
  }
  return NULL;
}

__attribute__((noinline)) static long look(struct node *n) { return n->a + 3 * n->b + 5 * n->c + 7 * n->d; }

static long round_of(volatile long i) {
  volatile long total = 0;
  if (i % 3 == 1) mprotect(first, 4096, PROT_NONE);
  if (i % 4 == 1) mprotect(second, 4096, PROT_NONE);
  if (i % 5 == 1 && ftruncate(fd, 0) != 0) _Exit(4);
  int r = sigsetjmp(back, 1);
  if (r == 0) {
    total = total * 31 + look(first);
    total = total * 31 + look(file);
    total = total * 31 + look(second);
  } else {
    total += r;
  }
  mprotect(first, 4096, PROT_READ | PROT_WRITE);
  mprotect(second, 4096, PROT_READ | PROT_WRITE);
  return total;
}

int main(void) {
  static char stack[1 << 16];
  stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&s, NULL);
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
  fd = memfd_create("x", 0);
  if (ftruncate(fd, 4096) != 0) return 1;
  first = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  second = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  long total = 0;
  for (long i = 0; i < 50; i++) total = total * 33 + round_of(i);
  pthread_barrier_init(&turn, NULL, 2);
  pthread_t thread;
  const long rounds = 150;
  pthread_create(&thread, NULL, writes, (void *)rounds);
  for (volatile long i = 0; i < rounds; i++) {
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    total = total * 33 + round_of(i);
    if (i % 50 == 7) {
      fflush(stdout);
      pid_t child = fork();
      if (child == 0) {
        for (long j = 0; j < 20; j++) total = total * 33 + round_of(j);
        printf("child %ld %lx %lx\n", faults, total, seen);
        exit(0);
      }
      int status;
      waitpid(child, &status, 0);
      total += status;
    }
  }
  pthread_join(thread, NULL);
  printf("%ld %lx %lx %ld\n", faults, total, seen, inner);
  fflush(stdout);
  action.sa_flags = SA_SIGINFO | SA_RESETHAND;
  sigaction(SIGSEGV, &action, NULL);
  mprotect(second, 4096, PROT_NONE);
  faults = 0;
  printf("%ld\n", look(second));
  sigaction(SIGSEGV, NULL, &action);
  printf("%d\n", action.sa_handler == SIG_DFL);
  return 0;
}
