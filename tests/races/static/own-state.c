// State of a library that main keeps in a variable and that each thread makes for itself, on its stack, on the heap and under a key; and
// the same of a kind that a thread lets others find.
//# races: heap:other:33+0, heap:other:33+8, leaked
#include <pthread.h>
#include <stdlib.h>
struct stream;
struct state { struct stream *of; long *table, hash; };
struct stream { struct state *state; long in; };
static pthread_key_t key;
static void init(struct stream *s) {
  s->state = malloc(sizeof *s->state);
  if (!s->state) abort();
  s->state->of = s;
  s->state->table = calloc(64, sizeof(long));
  s->state->hash = 1;
}
static void feed(struct stream *s, long value) {
  s->in += value;
  s->state->hash = s->state->hash * 31 + value;
  s->state->table[s->state->hash & 63]++;
  s->state->of->in++;
}
static long end(struct stream *s) {
  long hash = s->state->hash + s->in;
  free(s->state->table);
  free(s->state);
  return hash;
}
static struct stream *kept, *keeper;
static struct other { long value, looks; } *leaked;
static void other(long value) {
  //
  struct other *o = malloc(sizeof *o);
  if (!o) abort();
  leaked = o;
  o->value = value;
  o->looks++;
}
static void *work(void *arg) {
  struct stream mine = {0};
  long *own = calloc(1, sizeof *own), sum;
  pthread_setspecific(key, own);
  init(&mine);
  for (long i = 0; i < 100; i++) {
    feed(&mine, i);
    ++*(long *)pthread_getspecific(key);
  }
  other((long)arg);
  sum = end(&mine) + *own;
  free(own);
  return (void *)sum;
}
int main(void) {
  pthread_t t[2];
  long own = 0;
  pthread_key_create(&key, NULL);
  pthread_setspecific(key, &own);
  static struct stream fixed;
  keeper = &fixed;
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)i);
  kept = malloc(sizeof *kept);
  if (!kept) abort();
  kept->in = 0;
  init(kept);
  feed(kept, 3);
  init(keeper);
  feed(keeper, 4);
  ++*(long *)pthread_getspecific(key);
  return (int)(end(kept) + end(keeper) + leaked->value + leaked->looks);
}
