// Copies of wide strings run again at replay, as those of narrow ones do.
//# log-below: 20000
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>
int main(int argc, char **argv) {
  wchar_t word[64];
  for (int i = 0; i < 20; i++) word[i] = L'a' + i, word[i + 1] = 0;
  wchar_t *row[8];
  long sum = 0;
  for (int i = 0; i < 8; i++) row[i] = malloc(256 * sizeof *row[i]);
  for (int k = 0; k < 500; k++)
    for (int i = 0; i < 8; i++) {
      wcscpy(row[i], word);
      wcscat(row[i], L"more");
      wcsncpy(row[i] + 30, word, 5);
      for (int j = 0; row[i][j]; j++) sum += row[i][j];
    }
  printf("%ld %zu %d %d\n", sum, wcslen(row[3]), row[5][31], getpid() > 0 && argv[argc] == NULL);
  return 0;
}
