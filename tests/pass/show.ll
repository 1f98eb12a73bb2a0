; Output that a replay shows: always, by stream, by descriptor.
; site: f 0 {"do":"call","callee":"puts","how":"always","ret":{"as":"none"},"show":{"to":"standard","fd":1}}
; site: f 1 {"do":"call","callee":"fputs","how":"always","ret":{"as":"none"},"show":{"to":"stream","arg":1}}
; site: f 2 {"do":"call","callee":"write","how":"always","ret":{"as":"log"},"show":{"to":"fd","arg":0}}
; has: call ptr @__itarget_show_stream(
; has: call i32 @__itarget_show_fd(
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare i32 @puts(ptr)
declare i32 @fputs(ptr, ptr)
declare i64 @write(i32, ptr, i64)
define i64 @f(ptr %text, ptr %stream) {
  %a = call i32 @puts(ptr %text)
  %b = call i32 @fputs(ptr %text, ptr %stream)
  %n = call i64 @write(i32 1, ptr %text, i64 3)
  ret i64 %n
}
define i32 @main() {
  ret i32 0
}
