// Files mapped shared and private, used by several threads, flushed, unmapped, seen by read.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { SIZE = 16384, THREADS = 3 };
static char *shared;
static void *work(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < 1000; i++) {
    shared[me * 4096 + i % 4096] = (char)(i + me);
    atomic_fetch_add((_Atomic int *)(void *)(shared + 3 * 4096), 1);
  }
  return NULL;
}
int main(void) {
  char name[] = "/tmp/itarget-map-XXXXXX", block[100];
  int fd = mkstemp(name);
  pthread_t t[THREADS];
  unsigned long sum = 0;
  if (fd < 0 || ftruncate(fd, SIZE) != 0) return 1;
  unlink(name);
  shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) return 2;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  msync(shared, SIZE, MS_SYNC);
  for (int i = 0; i < SIZE; i += 100) {
    ssize_t n = pread(fd, block, sizeof block, i);
    for (ssize_t k = 0; k < n; k++) sum = sum * 31 + (unsigned char)block[k];
  }
  char *private_ = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  private_[5] = 'p';
  shared[6] = 's';
  printf("%lx %d %d %d\n", sum, *(int *)(void *)(shared + 3 * 4096), shared[5] != 'p', private_[5] == 'p');
  munmap(private_, SIZE);
  munmap(shared, SIZE);
  char *anonymous = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(anonymous, "anonymous");
  puts(anonymous);
  munmap(anonymous, SIZE);
  close(fd);
  return 0;
}
