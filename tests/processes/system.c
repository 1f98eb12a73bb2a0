// system and popen in both directions, from several threads too.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *asks(void *arg) {
  char command[60], line[60] = "";
  snprintf(command, sizeof command, "echo answer %ld; exit %ld", (long)arg, (long)arg + 1);
  FILE *f = popen(command, "r");
  if (f == NULL) return NULL;
  if (fgets(line, sizeof line, f) == NULL) line[0] = 0;
  int status = pclose(f);
  pthread_mutex_lock(&lock);
  printf("%d %s", WEXITSTATUS(status), line);
  pthread_mutex_unlock(&lock);
  return NULL;
}
int main(void) {
  pthread_t t[3];
  char name[] = "/tmp/itarget-system-XXXXXX", command[100], line[100] = "";
  int fd = mkstemp(name);
  if (fd < 0) return 1;
  printf("shell %d\n", system(NULL) != 0);
  printf("status %d\n", WEXITSTATUS(system("exit 7")));
  snprintf(command, sizeof command, "tr a-z A-Z >%s", name);
  FILE *f = popen(command, "w");
  if (f == NULL) return 2;
  fputs("written to a child\n", f);
  printf("pclose %d\n", pclose(f));
  f = fopen(name, "r");
  if (f != NULL && fgets(line, sizeof line, f) != NULL) fputs(line, stdout);
  if (f != NULL) fclose(f);
  remove(name);
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, asks, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  return 0;
}
