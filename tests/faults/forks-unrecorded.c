// The recording ends by name; the program goes on, and forks beside threads that start others all the time. The children start threads, too.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static int stop;
static void *brief(void *arg) {
  free(malloc(10 + (size_t)arg % 100));
  return arg;
}
static void *busy(void *arg) {
  for (long i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, brief, (void *)i) != 0) continue;
    if (i % 2) pthread_join(t, NULL);
    else pthread_detach(t);
  }
  return arg;
}
static void last(int status, void *arg) { printf("ended with %d, %s\n", status, (char *)arg); }
int main(void) {
  pthread_t b[2];
  int sum = 0;
  puts("before");
  fflush(stdout);
  on_exit(last, "by on_exit");
  for (int i = 0; i < 2; i++) pthread_create(&b[i], NULL, busy, NULL);
  for (int i = 0; i < 60; i++) {
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
      pthread_t t;
      alarm(20);
      _exit(pthread_create(&t, NULL, brief, NULL) != 0 || pthread_join(t, NULL) != 0 ? 1 : 7);
    }
    waitpid(pid, &status, 0);
    sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < 2; i++) pthread_join(b[i], NULL);
  printf("children gave %d\n", sum);
  return 3;
}
