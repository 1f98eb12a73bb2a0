// One thread fills a block, another reads it: word by word, byte by byte, at random. What it reads for the first time is logged once,
// as it is, and nothing of it again.
//# log-below: 1250000
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PARTS = 16, PART = SIZE / PARTS };
static unsigned char *block;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int filled;

static void *fill(void *none) {
  uint64_t x = (uint64_t)getpid() | 1;
  for (int part = 0; part < PARTS; part++) {
    for (int i = 0; i < PART; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      block[part * PART + i] = x >> 32;
    }
    pthread_mutex_lock(&mutex);
    filled = part + 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
  }
  return none;
}

struct eight { unsigned char b[8]; };

int main(void) {
  pthread_t t;
  uint64_t sum = 0, words = 0, some = 0;
  block = malloc(SIZE);
  pthread_create(&t, NULL, fill, NULL);
  for (int part = 0; part < PARTS; part++) {
    pthread_mutex_lock(&mutex);
    while (filled <= part) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    unsigned char *from = block + part * PART;
    for (int i = 0; i + 8 <= PART; i += 8) {
      uint64_t w;
      memcpy(&w, from + i, 8);
      words += w;
    }
    for (int i = 0; i < PART; i++) sum += from[i];
    for (int i = 0; i < 1000; i++) {
      struct eight e = *(struct eight *)(from + (i * 7919) % (PART - 8));
      some += e.b[3];
    }
  }
  pthread_join(t, NULL);
  // The numbers vary with the process: what they are together is the same.
  uint64_t again = 0;
  for (int i = 0; i < SIZE; i++) again += block[i];
  printf("%d %d\n", again == sum, words != some);
  free(block);
  return 0;
}
