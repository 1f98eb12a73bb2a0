// Two threads that compute and hardly meet: the log should stay small.
//# log-below: 20000
#include <pthread.h>
#include <stdio.h>
static double cells[2][64][64];
static void *work(void *arg) {
  double (*m)[64] = cells[(long)arg];
  for (int i = 0; i < 64; i++) for (int k = 0; k < 64; k++) m[i][k] = (double)(i * k % 17) + (double)(long)arg;
  for (int round = 0; round < 60; round++)
    for (int i = 1; i < 63; i++)
      for (int k = 1; k < 63; k++) m[i][k] = (m[i - 1][k] + m[i + 1][k] + m[i][k - 1] + m[i][k + 1]) / 4;
  return NULL;
}
int main(void) {
  pthread_t t[2];
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  printf("%.12g %.12g\n", cells[0][31][31], cells[1][40][20]);
  return 0;
}
