// Several threads write a common file and read it back: records are whole, their order is printed.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <string.h>
enum { THREADS = 3, RECORDS = 20 };
static FILE *f;
static void *work(void *arg) {
  for (int i = 0; i < RECORDS; i++) fprintf(f, "%c%02d ", (char)('a' + (long)arg), i);
  return NULL;
}
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last[THREADS][8];
static void *reads(void *arg) {
  char word[8];
  while (fscanf(f, "%7s", word) == 1) {
    pthread_mutex_lock(&lock);
    strcpy(last[(long)arg], word);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  char all[THREADS * RECORDS * 4 + 1];
  f = tmpfile();
  if (f == NULL) return 1;
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  rewind(f);
  all[fread(all, 1, sizeof all - 1, f)] = 0;
  puts(all);
  rewind(f);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, reads, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) printf("[%s] ", last[i]);
  puts("");
  return fclose(f);
}
