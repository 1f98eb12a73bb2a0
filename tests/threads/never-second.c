// A program that could start threads, and does not: what they would share is replayed, and not logged.
//# log-below: 8000
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { SIZE = 1000, ROUNDS = 100 };
struct node {
  struct node *left, *right;
  int key, count;
};
static struct node *root;
static int table[SIZE];
static char text[SIZE];

static struct node *find(struct node **at, int key) {
  while (*at && (*at)->key != key) at = key < (*at)->key ? &(*at)->left : &(*at)->right;
  if (!*at) {
    *at = calloc(1, sizeof **at);
    (*at)->key = key;
  }
  return *at;
}

static void *work(void *seed) {
  unsigned x = (unsigned)(long)seed;
  for (int i = 0; i < ROUNDS * SIZE; i++) {
    x = x * 1103515245u + 12345u;
    int at = (int)(x >> 16) % SIZE;
    table[at] += text[at] + i;
    find(&root, table[at] % 300)->count++;
  }
  return NULL;
}

int main(int argc, char **argv) {
  int pipes[2];
  pthread_t threads[2];
  unsigned long sum = 0;
  if (pipe(pipes) != 0) return 1;
  for (int i = 0; i < SIZE; i++) text[i] = (char)(i * i);
  for (int round = 0; round < 3; round++) {
    // Through the kernel: the only thing that is not the program's own.
    if (write(pipes[1], text, SIZE) != SIZE || read(pipes[0], text, SIZE) != SIZE) return 2;
    work((void *)(long)(round + text[1]));
  }
  for (int i = 1; i < argc && i < 3; i++) pthread_create(&threads[i - 1], NULL, work, argv[i]);
  for (int i = 1; i < argc && i < 3; i++) pthread_join(threads[i - 1], NULL);
  for (int i = 0; i < SIZE; i++) sum = sum * 31 + (unsigned)table[i] + (unsigned)text[i];
  for (int i = 0; i < 300; i++) sum = sum * 31 + (unsigned)find(&root, i)->count;
  printf("%lu\n", sum);
  return 0;
}
