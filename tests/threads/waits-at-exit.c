// exit while other threads wait in the kernel, each in another way: memory has a state that a replay comes to, and is compared.
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t none;
static int waiting, made[6];
static char *texts[6];
static int ends[2];
static void arrives(int i) {
  pthread_mutex_lock(&lock);
  texts[i] = malloc(16 + i);
  snprintf(texts[i], 16 + i, "thread %d", i);
  made[i] = 100 + i;
  waiting++;
  pthread_cond_signal(&ready);
  pthread_mutex_unlock(&lock);
}
static void *in_epoll(void *arg) {
  int set = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = ends[0]};
  epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e);
  arrives(0);
  epoll_wait(set, &e, 1, -1);
  return arg;
}
static void *in_poll(void *arg) {
  struct pollfd p = {.fd = ends[0], .events = POLLIN};
  arrives(1);
  poll(&p, 1, -1);
  return arg;
}
static void *in_sleep(void *arg) {
  arrives(2);
  for (;;) sleep(1000);
  return arg;
}
static void *in_semaphore(void *arg) {
  arrives(3);
  sem_wait(&none);
  return arg;
}
static void *in_condition(void *arg) {
  pthread_mutex_lock(&lock);
  texts[4] = calloc(1, 40);
  waiting++;
  pthread_cond_signal(&ready);
  for (;;) pthread_cond_wait(&never, &lock);
  return arg;
}
static void *in_pause(void *arg) {
  arrives(5);
  pause();
  return arg;
}
int main(void) {
  void *(*all[6])(void *) = {in_epoll, in_poll, in_sleep, in_semaphore, in_condition, in_pause};
  pthread_t t[6];
  if (pipe(ends) || sem_init(&none, 0, 0)) return 1;
  for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, all[i], NULL);
  pthread_mutex_lock(&lock);
  while (waiting < 6) pthread_cond_wait(&ready, &lock);
  int sum = 0;
  for (int i = 0; i < 6; i++) sum += made[i];
  pthread_mutex_unlock(&lock);
  printf("%d wait, %d, %s\n", waiting, sum, texts[3]);
  return 0;
}
