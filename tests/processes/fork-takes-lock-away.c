// A child makes a lock anew that another thread held at the fork: its recording ends by name. One that the forking thread held itself is its own.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 2
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t theirs = PTHREAD_MUTEX_INITIALIZER, ours = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static long half;
static void *work(void *arg) {
  (void)arg;
  pthread_mutex_lock(&theirs);
  half = 1;
  pthread_barrier_wait(&both);
  pthread_barrier_wait(&both);
  half = 2;
  pthread_mutex_unlock(&theirs);
  return NULL;
}
static int child(pthread_mutex_t *lock, int assigns) {
  if (assigns) *lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; else pthread_mutex_init(lock, NULL);
  pthread_mutex_lock(lock);
  printf("child %ld\n", half);
  pthread_mutex_unlock(lock);
  fflush(stdout);
  return 3;
}
int main(int argc, char **argv) {
  pthread_t t;
  int status = 0;
  (void)argv;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&t, NULL, work, NULL);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&ours);
  pid_t pid = fork();
  if (pid == 0) _exit(child(argc > 1 ? &theirs : &ours, argc > 2));
  waitpid(pid, &status, 0);
  pthread_mutex_unlock(&ours);
  pthread_barrier_wait(&both);
  pthread_join(t, NULL);
  printf("%d\n", WEXITSTATUS(status));
  return 0;
}
