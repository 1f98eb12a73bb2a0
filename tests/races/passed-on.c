// Blocks, thread-local variables, parts of stacks and texts that threads pass on through plain pointers, without a lock, and work on at once: by
// loads and stores of all sizes, also across lines, copies, structures passed by value, sorting, duplicated texts, what is read from a pipe.
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { THREADS = 3, SLOTS = 8, ROUNDS = 3000, BYTES = 200 };
struct pair { long a, b, c; char tag; };
static unsigned char *volatile slots[SLOTS];
static long *volatile counters[THREADS];
static char *volatile texts[THREADS];
static struct pair pairs[2];
static int numbers[40];
static int pipes[2];
static __thread long own = 7;
static unsigned long sums[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t done;
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
__attribute__((noinline)) static long by_value(struct pair p) { return p.a * 3 + p.b + p.tag; }
static unsigned next(unsigned *seed) { return (*seed = *seed * 1103515245 + 12345) >> 8; }
static void *work(void *arg) {
  long me = (long)arg;
  unsigned seed = (unsigned)me * 77 + 1;
  unsigned long sum = 0;
  char near[96] = "";
  counters[me] = &own;
  for (int i = 0; i < ROUNDS; i++) {
    unsigned char *p = slots[next(&seed) % SLOTS];
    size_t at = next(&seed) % (BYTES - 16);
    unsigned long word;
    switch (next(&seed) % 12) {
    case 0: p = i % 2 ? calloc(1, BYTES) : memset(malloc(BYTES), (int)me, BYTES); p[at] = (unsigned char)i; slots[next(&seed) % SLOTS] = p; break;
    case 1: memcpy(&word, p + at, sizeof word); sum = sum * 31 + word; break;
    case 2: word = sum; memcpy(p + at, &word, sizeof word); break;
    case 3: { unsigned char copy[BYTES]; memcpy(copy, p, BYTES); for (int k = 0; k < BYTES; k += 7) sum = sum * 5 + copy[k]; break; }
    case 4: memset(p + at, i & 127, 16); sum += *(unsigned short *)(void *)(p + (at & ~1ul)); break;
    case 5: ++*counters[next(&seed) % THREADS]; sum += (unsigned long)own; break;
    case 6: pairs[i & 1].a += me; pairs[i & 1].tag++; sum = sum * 3 + (unsigned long)by_value(pairs[i % 3 == 0]); break;
    case 7: snprintf(near, sizeof near, "%d of %ld", i, me); { char *t = strdup(texts[next(&seed) % THREADS]); sum += strlen(t) + (unsigned char)t[0]; free(t); } texts[me] = near; break;
    case 8: numbers[next(&seed) % 40] = i; if (i % 16 == 0) qsort(numbers, 40, sizeof *numbers, compare); sum += (unsigned long)numbers[20]; break;
    case 9: pthread_mutex_lock(&lock); sum += (unsigned long)memcmp(p, slots[0], 40) & 1; pthread_mutex_unlock(&lock); break;
    case 10: if (write(pipes[1], &i, sizeof i) == sizeof i && read(pipes[0], p + at, sizeof i) == sizeof i) sum += p[at]; break;
    default: sched_yield();
    }
  }
  // Others may still work on this thread's variable and stack.
  pthread_barrier_wait(&done);
  counters[me] = counters[(me + 1) % THREADS];
  texts[me] = "gone";
  sums[me] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  static long spare[THREADS];
  if (pipe(pipes)) return 1;
  for (int i = 0; i < SLOTS; i++) slots[i] = calloc(1, BYTES);
  for (int i = 0; i < THREADS; i++) counters[i] = &spare[i], texts[i] = "none yet";
  pthread_barrier_init(&done, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) printf("%lx %ld\n", sums[i], spare[i]);
  return 0;
}
