// Requests to Valgrind (its macros are in many programs) are assembly that does nothing elsewhere, also on memory that threads share.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static int shared[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t request(uint64_t otherwise, uint64_t code, void *what, uint64_t bytes) {
  volatile uint64_t args[6] = {code, (uint64_t)what, bytes, 0, 0, 0};
  volatile uint64_t result;
  __asm__ volatile("rolq $3,  %%rdi ; rolq $13, %%rdi\n\trolq $61, %%rdi ; rolq $51, %%rdi\n\txchgq %%rbx,%%rbx"
                   : "=d"(result)
                   : "a"(&args[0]), "0"(otherwise)
                   : "cc", "memory");
  return result;
}
static void *work(void *arg) {
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&lock);
    request(0, 0x44520000, shared, sizeof shared);
    shared[i % 64] += (int)(intptr_t)arg + (int)request(7, 0x1001, 0, 0);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, (void *)(intptr_t)(i + 1));
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  int sum = 0;
  for (int i = 0; i < 64; i++) sum += shared[i];
  printf("%d\n", sum);
  return 0;
}
