// C++ with the standard library's templates, built with -fno-exceptions.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

int main() {
  std::map<std::string, std::vector<int>> words;
  char line[64];
  for (int n = 0; std::fgets(line, sizeof line, stdin); n++) {
    std::string word(line);
    word.erase(std::remove(word.begin(), word.end(), '\n'), word.end());
    words[word].push_back(n);
  }
  for (const auto &[word, lines] : words) {
    std::printf("%s:", word.c_str());
    for (int n : lines)
      std::printf(" %d", n);
    std::printf("\n");
  }
  auto pid = std::make_unique<int>(getpid());
  std::printf("process %d\n", *pid);
  return static_cast<int>(words.size());
}
