; Loads that threads may race for, by their address as long as the process is alone. A function that is expected to run later has them in groups, counted behind the bound; another has a call for each.
; site: f 0 {"do":"load","how":"always","raced":"yes"}
; alone: f 0 := {"other":{"do":"load","how":"checked"}}
; site: f 1 {"do":"load","how":"always","raced":"mapped"}
; alone: f 1 := {"other":{"do":"load","how":"checked"}}
; site: f 2 {"do":"load","how":"located","raced":"yes"}
; alone: f 2 := {"other":{"do":"load","how":"checked"}}
; site: g 0 {"do":"load","how":"always","raced":"yes"}
; alone: g 0 := {"other":{"do":"load","how":"checked"}}
; accompanied: f
; has: load volatile ptr, ptr @__itarget_hits
; has: call preserve_mostcc i64 @__itarget_race_missed8(ptr %p, i32 536870912)
; has: call preserve_mostcc i64 @__itarget_race_alone8(ptr %p, i32 0)
; has: call preserve_mostcc i64 @__itarget_race_mapped_missed8(ptr %q, i32 -1879048191)
; has: call preserve_mostcc i64 @__itarget_race_at_missed8(ptr %r, i32 2)
; has: call i64 @__itarget_ck(ptr %r, i32 8, i32 2)
; has: call preserve_mostcc i64 @__itarget_race_alone8(ptr %p, i32 3)
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
define i64 @f(ptr %p, ptr %q, ptr %r) {
  %a = load i64, ptr %p
  %b = load i64, ptr %q
  %c = load i64, ptr %r
  %d = add i64 %a, %b
  %e = add i64 %c, %d
  ret i64 %e
}
define i64 @g(ptr %p) {
  %a = load i64, ptr %p
  ret i64 %a
}
define i32 @main() {
  ret i32 0
}
