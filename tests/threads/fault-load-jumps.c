// Loads of memory that threads may race for fault, and a handler leaves them by siglongjmp: a page without access, a pointer to where nothing is, one to a page that was given back, one that is
// no address at all, a number of which only the end is there. They are one by one, and among others in a row.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct node {
  long a, b;
  int c;
  short d;
  char e;
  struct node *next;
};

static struct node *shared, *closed, *gone, *edge;
static struct node *volatile wild;
static pthread_barrier_t turn;
static sigjmp_buf back;
static long faults, codes;
static void *addresses[8];

static void fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  addresses[faults % 8] = info->si_addr;
  faults++;
  codes = codes * 7 + info->si_code + signal;
  // What it looks at may be raced for as well.
  codes += shared->a;
  siglongjmp(back, 1);
}

static void *writes(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_barrier_wait(&turn);
    if (i % 5 == 1) shared->d = (short)i;
    if (i % 5 == 2) shared->a = i * 1000003;
    if (i % 7 == 3) shared->c = (int)(shared->b = i << 40);
    if (i % 9 == 4) shared->e++;
    shared->next = i % 2 ? shared : i % 3 ? closed : i % 5 ? gone : wild;
    pthread_barrier_wait(&turn);
  }
  return NULL;
}

__attribute__((noinline)) static long look(struct node *n, struct node *m) { return n->a + 3 * m->b + 5 * n->c + 7 * m->d + 11 * n->e + m->c; }
__attribute__((noinline)) static long one(struct node *n) { return n->e; }
__attribute__((noinline)) static long copy(struct node *n) {
  struct node c = *n;
  return c.a ^ c.c ^ c.e;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  closed = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  closed->a = gone->a = 1;
  edge = (struct node *)((char *)closed + 4096 - offsetof(struct node, b) - 4);
  mprotect((char *)closed + 4096, 4096, PROT_NONE);
  pthread_barrier_init(&turn, NULL, 2);
  pthread_t thread;
  const long rounds = 400;
  pthread_create(&thread, NULL, writes, (void *)rounds);
  volatile long total = 0;
  for (volatile long i = 0; i < rounds; i++) {
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    wild = (struct node *)(i % 6 == 1 ? 0x7654321000 + i : i % 6 == 2 ? (long)0xdead000000000000 + i : i % 6 == 3 ? -64 : i % 6 == 5 ? 8 : (long)shared);
    if (i == 100) munmap(gone, 4096);
    if (i % 3 == 1) mprotect(closed, 4096, PROT_NONE);
    if (i % 3 == 2) mprotect(closed, 4096, PROT_READ);
    for (volatile int k = 0; k < 8; k++) {
      struct node *n = k == 0 ? shared : k == 1 ? closed : k == 2 ? wild : k == 3 ? edge : k == 4 ? shared->next : k == 5 && i > 100 ? gone : shared;
      if (sigsetjmp(back, 1) == 0) {
        total = total * 31 + (k % 2 ? look(shared, n) : look(n, shared));
        total = total * 31 + (k % 2 ? copy(n) : one(n));
      } else {
        total = total * 33 + 1;
      }
    }
  }
  pthread_join(thread, NULL);
  long sum = 0;
  // Which of a row comes first is the compiler's choice.
  for (int i = 0; i < 8; i++) sum = sum * 3 + ((uintptr_t)addresses[i] >> 12);
  printf("%ld faults, %lx %lx\n", faults, codes, total);
  return sum == 0;
}
