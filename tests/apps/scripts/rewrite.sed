# Much of sed's language: substitution with back references and case, hold space, branches, multi-line patterns.
s/\b([a-z])([a-z]*ing)\b/\U\1\E\2/g
/^$/{
  x
  s/\n/ | /g
  s/^ \| //
  /./p
  s/.*//
  x
  b end
}
y/qz/QZ/
/[0-9]/{
  H
  s/[0-9]+/<&>/g
}
:again
s/(con|per)([a-z]+) \1/\2-\1/
t again
/,$/{
  $!N
  s/,\n/; /
  P
  D
}
s/^(\S+) (\S+)(.*)$/\2 \1\3/
:end
