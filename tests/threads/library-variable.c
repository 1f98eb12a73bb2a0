// A variable of the library lies elsewhere at replay: what a thread saw there last can't be found by its address. The table has the same low bits
// wherever the variable is.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static int table[16384];
static void *work(void *a) {
  for (int k = 0; k < 3; k++) {
    optind = 10 + k;
    for (int i = 0; i < 16384; i++) table[i] = i / 8 + (int)(long)a;
  }
  return a;
}
static unsigned long look(void) {
  unsigned long sum = 0;
  for (int i = 0; i < 16384; i++) sum = sum * 31 + (unsigned long)table[i];
  sum += (unsigned long)optind;
  for (int i = 0; i < 16384; i++) sum = sum * 31 + (unsigned long)table[i];
  return sum;
}
int main(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)(long)(i + 1));
  unsigned long sum = 0;
  for (int k = 0; k < 20; k++) sum = sum * 7 + look();
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  printf("%lu\n", sum + look());
  return 0;
}
