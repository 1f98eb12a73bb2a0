// The main thread forks beside others, which go on in the parent alone: each child is recorded, with what the others had done by then under locks.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 7
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 3, FORKS = 5 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct item { struct item *next; long number; char text[24]; } *list;
static long count, bare, stop, done;
static void *work(void *arg) {
  for (long i = 0;; i++) {
    struct item *item = malloc(sizeof *item);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(item->text, sizeof item->text, "%ld.%ld", (long)arg, t.tv_nsec % 1000);
    __atomic_fetch_add(&bare, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&lock);
    item->number = count++;
    item->next = list;
    list = item;
    if (count % 100 == 0) {
      while (list != NULL) {
        struct item *old = list;
        list = old->next;
        free(old);
      }
    }
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    if (__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) break;
  }
  pthread_mutex_lock(&lock);
  done++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return NULL;
}
static void *own(void *arg) {
  pthread_mutex_lock(&lock);
  *(long *)arg += count;
  pthread_mutex_unlock(&lock);
  return NULL;
}
static void show(const char *who, int i) {
  unsigned long sum = 0;
  long items = 0;
  for (struct item *item = list; item != NULL; item = item->next, items++)
    for (const char *p = item->text; *p != 0; p++) sum = sum * 31 + (unsigned char)*p;
  printf("%s %d: %ld items of %ld, %lu, %ld\n", who, i, items, count, sum, __atomic_add_fetch(&bare, 1000, __ATOMIC_SEQ_CST));
  fflush(stdout);
}
static int child(int i) {
  show("child", i);
  // The lock is its own since before the fork; threads of its own take it, too.
  pthread_t t[2];
  long sums[2] = { i, 2 * i };
  for (int k = 0; k < 2; k++) pthread_create(&t[k], NULL, own, &sums[k]);
  free(malloc(100));
  pthread_mutex_unlock(&lock);
  for (int k = 0; k < 2; k++) pthread_join(t[k], NULL);
  printf("sums %ld %ld\n", sums[0] - count, sums[1] - count);
  fflush(stdout);
  if (i == 2) {
    // A child of its own, which has none of the threads.
    pid_t pid = fork();
    if (pid == 0) {
      pthread_mutex_lock(&lock);
      show("grandchild", i);
      pthread_mutex_unlock(&lock);
      return 30;
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status) + i;
  }
  return 10 + i;
}
int main(void) {
  pthread_t t[THREADS];
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  int sum = 0;
  for (int i = 0; i < FORKS; i++) {
    pthread_mutex_lock(&lock);
    for (long before = count; count < before + 50 * (i + 1);) pthread_cond_wait(&changed, &lock);
    pid_t pid = fork();
    if (pid == 0) exit(child(i));
    pthread_mutex_unlock(&lock);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) return 1;
    sum += WEXITSTATUS(status);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_mutex_lock(&lock);
  while (done < THREADS) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%d\n", sum);
  return 0;
}
