// C11 threads: create, join, detach, mutexes of all kinds, condition variables, thread-specific storage.
//# varies: output
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
enum { THREADS = 4, ROUNDS = 15 };
static mtx_t plain, timed, recursive;
static cnd_t turned;
static tss_t key;
static int turn, freed, tries, late;
static char order[THREADS * ROUNDS + 1];
static int used;
static void drop(void *p) { mtx_lock(&plain); freed += *(int *)p; mtx_unlock(&plain); free(p); }
static int work(void *arg) {
  int me = *(int *)arg, *mine = malloc(sizeof *mine);
  *mine = me;
  tss_set(key, mine);
  for (int i = 0; i < ROUNDS; i++) {
    mtx_lock(&recursive);
    mtx_lock(&recursive);
    order[used++] = (char)('a' + me);
    mtx_unlock(&recursive);
    mtx_unlock(&recursive);
    if (mtx_trylock(&plain) == thrd_busy) __atomic_add_fetch(&tries, 1, __ATOMIC_RELAXED);
    else mtx_unlock(&plain);
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    if (mtx_timedlock(&timed, &t) == thrd_success) { thrd_yield(); mtx_unlock(&timed); }
    else __atomic_add_fetch(&late, 1, __ATOMIC_RELAXED);
  }
  mtx_lock(&plain);
  while (turn != me) cnd_wait(&turned, &plain);
  turn++;
  cnd_broadcast(&turned);
  mtx_unlock(&plain);
  if (me == 2) thrd_exit(77);
  return *(int *)tss_get(key) * 10;
}
int main(void) {
  thrd_t t[THREADS];
  int numbers[THREADS], value;
  mtx_init(&plain, mtx_plain);
  mtx_init(&timed, mtx_timed);
  mtx_init(&recursive, mtx_recursive);
  cnd_init(&turned);
  tss_create(&key, drop);
  for (int i = 0; i < THREADS; i++) { numbers[i] = i; if (thrd_create(&t[i], work, &numbers[i]) != thrd_success) return 1; }
  for (int i = 0; i < THREADS; i++) { thrd_join(t[i], &value); printf("%d ", value); }
  printf("\n%s\ntries %d late %d freed %d equal %d\n", order, tries, late, freed, thrd_equal(thrd_current(), thrd_current()) != 0);
  struct timespec soon, nap = {0, 1000};
  timespec_get(&soon, TIME_UTC);
  mtx_lock(&plain);
  printf("timed out %d\n", cnd_timedwait(&turned, &plain, &soon) == thrd_timedout);
  mtx_unlock(&plain);
  thrd_sleep(&nap, NULL);
  tss_delete(key);
  cnd_destroy(&turned);
  mtx_destroy(&plain);
  return 0;
}
