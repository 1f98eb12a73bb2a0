// Threads with given stacks: sizes, guards, a mapping as a stack, deep recursion on a big one.
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
static int depth(int n) {
  volatile char room[4000];
  room[0] = (char)n;
  room[3999] = 1;
  return n == 0 ? 0 : depth(n - 1) + room[3999];
}
static void *deep(void *arg) { return (void *)(long)depth((int)(long)arg); }
static void *size_of(void *arg) {
  pthread_attr_t a;
  size_t size = 0, guard = 0;
  void *base;
  (void)arg;
  pthread_getattr_np(pthread_self(), &a);
  pthread_attr_getstack(&a, &base, &size);
  pthread_attr_getguardsize(&a, &guard);
  pthread_attr_destroy(&a);
  return (void *)(long)(size >= (512 << 10) && size < (1024 << 10) && guard > 0);
}
static long run(pthread_attr_t *a, void *(*f)(void *), long arg) {
  pthread_t t;
  void *value;
  if (pthread_create(&t, a, f, (void *)arg) != 0) return -1;
  pthread_join(t, &value);
  return (long)value;
}
int main(void) {
  pthread_attr_t a;
  pthread_attr_init(&a);
  printf("default %ld\n", run(NULL, deep, 500));
  pthread_attr_setstacksize(&a, 64 << 20);
  printf("big %ld\n", run(&a, deep, 14000));
  pthread_attr_setstacksize(&a, 512 << 10);
  pthread_attr_setguardsize(&a, 16 << 10);
  printf("size %ld\n", run(&a, size_of, 0));
  pthread_attr_setstacksize(&a, PTHREAD_STACK_MIN + 16384);
  printf("small %ld\n", run(&a, deep, 2));
  pthread_attr_destroy(&a);
  pthread_attr_init(&a);
  void *mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  pthread_attr_setstack(&a, mapped, 1 << 20);
  printf("mapped %ld\n", run(&a, deep, 100));
  printf("too small %d\n", pthread_attr_setstacksize(&a, 100) != 0);
  pthread_attr_destroy(&a);
  munmap(mapped, 1 << 20);
  return 0;
}
