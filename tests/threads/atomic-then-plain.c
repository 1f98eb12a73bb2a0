// What atomic operations left in memory is read plainly once it has an order: exchanges and stores of several threads to one place (the last
// one counts, not a sum), small ones that share a word, a counter of references whose last holder frees, blocks handed on by a
// pointer, floating point, min and max; and a handler that looks when an operation faults.
//# varies: output
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { THREADS = 4, ROUNDS = 3000, SLOTS = 8 };
struct shared { long references; int last; unsigned char small[8]; short pair[2]; double sum; int highest, lowest; char text[32]; };
static struct shared *s;
static long slots[SLOTS];
static int freed_by;
struct message { int from, number; char text[24]; };
static struct message *box;
static long received[THREADS];
static sigjmp_buf back;
static void on_fault(int n) { siglongjmp(back, n); }
static void release(struct shared *p, int me) {
  if (__atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) == 0) {
    freed_by = me;
    printf("last %d, small %d %d, pair %d %d, sum %.1f, %d to %d\n", p->last, p->small[0], p->small[7], p->pair[0], p->pair[1], p->sum, p->lowest, p->highest);
    free(p);
  }
}
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    __atomic_store_n(&s->last, me * ROUNDS + i, __ATOMIC_RELAXED);
    __atomic_exchange_n(&slots[i % SLOTS], me * 100000L + i, __ATOMIC_RELAXED);
    __atomic_store_n(&s->small[i % 2 * 7], (unsigned char)(me * 50 + i % 50), __ATOMIC_RELAXED);
    __atomic_fetch_xor(&s->pair[i % 2], (short)(me * 31 + i), __ATOMIC_RELAXED);
    double old = s->sum, new;
    __atomic_load(&s->sum, &old, __ATOMIC_RELAXED);
    do new = old / 2 + me; while (!__atomic_compare_exchange(&s->sum, &old, &new, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    int h = __atomic_load_n(&s->highest, __ATOMIC_RELAXED), mine = (i * 7919 + me) % 100003;
    while (mine > h && !__sync_bool_compare_and_swap(&s->highest, h, mine)) h = __atomic_load_n(&s->highest, __ATOMIC_RELAXED);
    if (i % 16 == 0) {
      struct message *m = malloc(sizeof *m), *other;
      m->from = me;
      m->number = i;
      snprintf(m->text, sizeof m->text, "%d of %d", i, me);
      other = __atomic_exchange_n(&box, m, __ATOMIC_ACQ_REL);
      if (other != NULL) {
        received[me] = received[me] * 31 + other->from * 7 + other->number + (long)strlen(other->text);
        free(other);
      }
    }
  }
  release(s, me);
  return NULL;
}
int main(void) {
  s = calloc(1, sizeof *s);
  s->references = THREADS + 1;
  s->lowest = -1;
  struct sigaction a = { .sa_handler = on_fault };
  sigaction(SIGSEGV, &a, NULL);
  long *volatile nowhere = NULL;
  if (sigsetjmp(back, 1) == 0) __atomic_fetch_add(nowhere, 1, __ATOMIC_SEQ_CST);
  else printf("a fault\n");
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  release(s, THREADS);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < SLOTS; i++) printf("%ld ", slots[i]);
  printf("\nfreed by %d, %s left\n", freed_by, box->text);
  for (int i = 0; i < THREADS; i++) printf("%ld ", received[i]);
  printf("\n");
  free(box);
  return 0;
}
