// Wide characters are printed in the locale of the recording.
#define _GNU_SOURCE
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>
int main(void) {
  const wchar_t *word = L"na\u00efve \u4e16";
  // In "C" there is no such character.
  int n = printf("%ls|\n", word);
  printf("%d %ls %lc\n", n, L"plain", (wint_t)L'x');
  printf("%s\n", setlocale(LC_ALL, "C.UTF-8"));
  printf("%ls|%10ls|%.4ls|%lc|%5.1f\n", word, word, word, (wint_t)0xe9, 2.5);
  printf("%zu %d %d\n", wcslen(word), iswalpha(word[2]) != 0, isalpha(0xef) != 0);
  wchar_t wide[16];
  printf("%zu %d\n", mbstowcs(wide, "\xc3\xa9t\xc3\xa9", 16), wide[0] == 0xe9);
  fputws(word, stderr);
  fputwc(L'\u00df', stderr);
  fwprintf(stderr, L" %d %ls %s\n", 7, word, "\xc3\xa9");
  printf("%s\n", setlocale(LC_ALL, "C"));
  printf("%d\n", printf("%ls|\n", word));
  locale_t own = newlocale(LC_ALL_MASK, "C.UTF-8", NULL), before = uselocale(own);
  printf("%ls %d\n", word, iswupper(L'\u00c9') != 0);
  uselocale(before);
  freelocale(own);
  return 0;
}
