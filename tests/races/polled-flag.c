// A flag polled without atomics: how often it was read in vain is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static volatile int flag;
static int data;
int other_flag;
static long polls, naps;
static void *setter(void *arg) {
  (void)arg;
  for (int i = 1; i <= 20; i++) {
    data = i * i;
    flag = i;
    while (flag == i) usleep(10);
  }
  other_flag = 1;
  return NULL;
}
int main(void) {
  pthread_t t;
  long sum = 0;
  pthread_create(&t, NULL, setter, NULL);
  for (int i = 1; i <= 20; i++) {
    while (flag != i) polls++;
    sum = sum * 3 + data;
    flag = -i;
  }
  while (!other_flag) { usleep(1); naps++; }
  pthread_join(t, NULL);
  printf("sum %ld polls %ld naps %ld\n", sum, polls, naps);
  return 0;
}
