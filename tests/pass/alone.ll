; What threads race for, as long as there is one: nothing is done there, or something else. Tables say what is only shared.
; whole
; site: f 0 {"do":"load","how":"always","raced":"yes"}
; alone: f 0 := "nothing"
; site: f 1 {"do":"store","raced":"yes"}
; alone: f 1 := "nothing"
; site: f 2 {"do":"load","how":"located"}
; alone: f 2 := {"other":{"do":"load","how":"checked"}}
; site: f 3 {"do":"store","checked":true,"raced":"yes"}
; alone: f 3 := {"other":{"do":"store","checked":true}}
; site: f 4 {"do":"refuse","reason":"test"}
; alone: f 4 := "nothing"
; mixed: {"name":"o","ranges":[[8,16]],"shared":[[0,8]]}
; environment: always
; environment: shared
; shared: shared
; has: [4 x i64] [i64 -9223372036854775808, i64 0, i64 8, i64 0]
; has: { ptr @shared, i64 -9223372036854775804 }
; has: call i64 @__itarget_ck(ptr
; has: call i64 @__itarget_at(ptr
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
@shared = global i32 1
@always = global i32 2
declare void @other()
define i64 @f(ptr %p, ptr %q) {
  %a = load i64, ptr %p
  store i64 %a, ptr %q
  %b = load i64, ptr %p
  store i64 %b, ptr %q
  call void @other()
  ret i64 %b
}
define i32 @main() {
  ret i32 0
}
