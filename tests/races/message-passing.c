// Data behind a plain flag, read in both orders; store buffering; each outcome is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
enum { ROUNDS = 300 };
static volatile int x, y, seen_x[ROUNDS], seen_y[ROUNDS];
static pthread_barrier_t both;
static void *left(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&both);
    x = i + 1;
    seen_y[i] = y;
    pthread_barrier_wait(&both);
  }
  return NULL;
}
int main(void) {
  pthread_t t;
  int outcomes[4] = {0};
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&t, NULL, left, NULL);
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&both);
    y = i + 1;
    seen_x[i] = x;
    pthread_barrier_wait(&both);
    outcomes[(seen_x[i] == i + 1) * 2 + (seen_y[i] == i + 1)]++;
  }
  pthread_join(t, NULL);
  printf("%d %d %d %d\n", outcomes[0], outcomes[1], outcomes[2], outcomes[3]);
  return 0;
}
