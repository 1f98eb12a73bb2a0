//! The catalogue of error codes of all parts: `itarget explain-code` and docs/errors.md come from it.

use super::Entry;

/// Every code, sorted.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        code: "IT0001",
        title: "No such error code",
        what_to_do: "`itarget explain-code` knows the codes of docs/errors.md.",
    },
    Entry {
        code: "IT0101",
        title: "Not bitcode",
        what_to_do: "The file holds no LLVM bitcode. Give an executable or object built with itarget-cc, or a .bc file.",
    },
    Entry {
        code: "IT0102",
        title: "Malformed bitcode",
        what_to_do: "The bitcode can't be read: the file was cut off or damaged. Build it again.",
    },
    Entry {
        code: "IT0103",
        title: "Bitcode of another LLVM",
        what_to_do: "itarget reads bitcode of LLVM 19. Build the program with itarget-cc.",
    },
    Entry {
        code: "IT0104",
        title: "No bitcode in the file",
        what_to_do: "The object or executable was built without itarget-cc, or was stripped. Build it with CC=itarget-cc.",
    },
    Entry {
        code: "IT0105",
        title: "A file can't be read",
        what_to_do: "Check the path and its permissions.",
    },
    Entry {
        code: "IT0201",
        title: "Files of itarget are missing",
        what_to_do: "The pass plugin (libitarget_llvm_pass.so) and the runtime (libitarget_rt.a) must lie beside the itarget executable or in ../lib/itarget. In a source tree `cargo build` makes all of them.",
    },
    Entry {
        code: "IT0202",
        title: "An LLVM tool is missing",
        what_to_do: "itarget-cc runs clang and lld of LLVM 19: `apt-get install clang-19 lld-19 llvm-19-dev g++`. ITARGET_CC_CLANG names another clang of the same version.",
    },
    Entry {
        code: "IT0203",
        title: "Unknown ITARGET_CC_ variable",
        what_to_do: "A variable with this prefix that nobody reads is taken for a typing error. Correct or unset it.",
    },
    Entry {
        code: "IT0204",
        title: "A variable has a value it can't have",
        what_to_do: "The message says which values there are.",
    },
    Entry {
        code: "IT0205",
        title: "An argument or path is not UTF-8",
        what_to_do: "Rename the file or directory.",
    },
    Entry {
        code: "IT0206",
        title: "A temporary file can't be written",
        what_to_do: "Look for a full disk; TMPDIR names the directory for temporary files.",
    },
    Entry {
        code: "IT0207",
        title: "itarget.toml is not well formed",
        what_to_do: "The message points at the place. Its keys are target, exclude, programs and annotations (lists of strings) and cut (\"min\", \"functions\" or \"libc\"); see docs/config.md.",
    },
    Entry {
        code: "IT0208",
        title: "itarget.toml can't be read",
        what_to_do: "Check its permissions, or the path in ITARGET_CONFIG; ITARGET_CONFIG=off reads none.",
    },
    Entry {
        code: "IT0301",
        title: "An annotation file is not well formed",
        what_to_do: "The message points at the place. See the annotations chapter for the format.",
    },
    Entry {
        code: "IT0302",
        title: "An annotation has a value that makes no sense",
        what_to_do: "The message points at the place.",
    },
    Entry {
        code: "IT0303",
        title: "An annotation file can't be read",
        what_to_do: "Check the path.",
    },
    Entry {
        code: "IT0304",
        title: "An annotation contradicts the type of its function",
        what_to_do: "It names a parameter that the function does not have, treats a number as a pointer, or says what the result of a function without one is. The message points at the place; arguments count from 0.",
    },
    Entry {
        code: "IT0401",
        title: "Not a plan",
        what_to_do: "The text is not a plan of itarget: it was damaged or made by something else. Link the program again.",
    },
    Entry {
        code: "IT0402",
        title: "Plan of another version",
        what_to_do: "Use the itarget that built the program, or link the program again.",
    },
    Entry {
        code: "IT0403",
        title: "The analysis left no plan",
        what_to_do: "A bug, or no room for temporary files (TMPDIR).",
    },
    Entry {
        code: "IT0404",
        title: "The plan is for another module",
        what_to_do: "Link the program again; if that does not help, report a bug.",
    },
    Entry {
        code: "IT0405",
        title: "The plan does not fit the program",
        what_to_do: "Pass and analysis disagree about the program: install both from the same build, or report a bug.",
    },
    Entry {
        code: "IT0411",
        title: "The profile is of another module",
        what_to_do: "The program changed since it was profiled: run `itarget profile` again, or use it for the functions that are as they were (--profile-match=function, ITARGET_CC_PROFILE_MATCH=function). A profile for a part of the program must be made with its --target and --exclude.",
    },
    Entry {
        code: "IT0412",
        title: "The program has nothing of that name",
        what_to_do: "`itarget explain --what` takes the name of a function or variable as the source has it, FUNCTION:VARIABLE for a local variable, or FILE:LINE. What the compiler removed before the analysis is not there.",
    },
    Entry {
        code: "IT0413",
        title: "A replay left no counts",
        what_to_do: "To say how much each item has in a log, `itarget explain` replays the trace. See with `itarget replay` why that did not begin.",
    },
    Entry {
        code: "IT0501",
        title: "Not built with itarget-cc",
        what_to_do: "The executable has no section .itarget.plan. Build the program with CC=itarget-cc; a script can't be recorded, its interpreter can. `itarget record --follow` records programs that a script or any other program starts.",
    },
    Entry {
        code: "IT0502",
        title: "The trace directory can't be made",
        what_to_do: "Give another directory with -o, or set XDG_DATA_HOME. The program runs all the same, unrecorded.",
    },
    Entry {
        code: "IT0503",
        title: "The executable does not carry its bitcode or link line",
        what_to_do: "It was stripped. Link it again with itarget-cc.",
    },
    Entry {
        code: "IT0504",
        title: "No such program",
        what_to_do: "Names without a slash are looked up in PATH.",
    },
    Entry {
        code: "IT0505",
        title: "A program can't be started",
        what_to_do: "The message says why.",
    },
    Entry {
        code: "IT0506",
        title: "The program can't be linked again",
        what_to_do: "Its objects or the directory of its link are gone. Build it again.",
    },
    Entry {
        code: "IT0507",
        title: "No counts",
        what_to_do: "The profiled program was killed or ended by _exit before it wrote its counts.",
    },
    Entry {
        code: "IT0508",
        title: "A measured run went wrong",
        what_to_do: "The program was interrupted, or nothing of it was recorded: the message says which. Look at one run with `itarget record`.",
    },
    Entry {
        code: "IT0509",
        title: "A build that counts",
        what_to_do: "The executable was linked with the cut `profile`. Use the program that it was made from.",
    },
    Entry {
        code: "IT0601",
        title: "The log is damaged",
        what_to_do: "A checksum or the order of chunks is wrong from the named byte on. `itarget replay --until-damage` replays what comes before it; `itarget dump` shows it.",
    },
    Entry {
        code: "IT0602",
        title: "Log or trace directory of another version",
        what_to_do: "Use the itarget that recorded it.",
    },
    Entry {
        code: "IT0603",
        title: "The trace was recorded by another binary",
        what_to_do: "The executable was built again since the recording. Replay with the one that was recorded (--exe), or record again.",
    },
    Entry {
        code: "IT0604",
        title: "Not a trace",
        what_to_do: "The directory holds no trace, or the program ended before it recorded anything.",
    },
    Entry {
        code: "IT0605",
        title: "No trace yet",
        what_to_do: "Record one: `itarget record -- PROGRAM`, or name a trace directory.",
    },
    Entry {
        code: "IT0606",
        title: "The log can't be read",
        what_to_do: "The message has the system's reason.",
    },
    Entry {
        code: "IT0607",
        title: "No memory for the decoded log",
        what_to_do: "A replay needs as much memory as its log has bytes.",
    },
    Entry {
        code: "IT0608",
        title: "A trace can't be removed",
        what_to_do: "The message has the system's reason. Files that are not part of a trace are never removed.",
    },
    Entry {
        code: "IT0609",
        title: "An output file can't be written",
        what_to_do: "The message has the system's reason.",
    },
    Entry {
        code: "IT0610",
        title: "The replay can't begin",
        what_to_do: "The program was not started by `itarget replay`, or the decoded log is not usable. Start replays with `itarget replay`.",
    },
    Entry {
        code: "IT0611",
        title: "Recorded with another libc",
        what_to_do: "Functions of libc that are not recorded run again at replay; another version may give other results. Replay on a system with the libc of the recording.",
    },
    Entry {
        code: "IT0612",
        title: "Recording ended: the log can't be written",
        what_to_do: "Mostly a full disk or a file size limit. The program went on; the trace can be replayed up to that point.",
    },
    Entry {
        code: "IT0613",
        title: "The trace ends here",
        what_to_do: "The recording was cut off (killed, disk full, exec, which `itarget record --follow` follows, or an operation that can't be recorded). Everything up to here was replayed.",
    },
    Entry {
        code: "IT0614",
        title: "Recording ended: something that can't be recorded",
        what_to_do: "The program did something outside the supported limits (see docs/limits). It went on unrecorded; the trace can be replayed up to that point.",
    },
    Entry {
        code: "IT0615",
        title: "Unknown runtime option",
        what_to_do: "ITARGET_OPTIONS holds name=value pairs separated by `:`; help=1 lists them.",
    },
    Entry {
        code: "IT0616",
        title: "Unknown variable or mode",
        what_to_do: "A variable with the prefix ITARGET_ that nobody reads, or a mode that does not exist.",
    },
    Entry {
        code: "IT0617",
        title: "Profiling is off",
        what_to_do: "Use `itarget profile`, which sets up all that is needed.",
    },
    Entry {
        code: "IT0618",
        title: "Recording is off",
        what_to_do: "The trace could not be begun; the message says why. The program runs unrecorded.",
    },
    Entry {
        code: "IT0619",
        title: "The replay can't begin",
        what_to_do: "The decoded log is not usable or the address space is taken. Start replays with `itarget replay`.",
    },
    Entry {
        code: "IT0620",
        title: "Divergence",
        what_to_do: "The replay is not doing what the recording did. The message names the event; record with --check=full to find the first one, with --digest to compare memory. Usual causes: undefined behaviour, or a library function with a wrong annotation.",
    },
    Entry {
        code: "IT0621",
        title: "Environment call at replay",
        what_to_do: "The replay tried to call the system. A bug of the interface: report it.",
    },
    Entry {
        code: "IT0622",
        title: "Memory differs from the recording",
        what_to_do: "A digest of the program's memory does not agree. See IT0620.",
    },
    Entry {
        code: "IT0623",
        title: "A digest differs",
        what_to_do: "The program's memory is not what it was when it was recorded. See IT0620.",
    },
    Entry {
        code: "IT0624",
        title: "A function ran that the analysis found no way to",
        what_to_do: "Nothing in it is instrumented, so recording stopped. Mostly a function pointer that the analysis lost: report it. The program went on; the trace can be replayed up to that point.",
    },
    Entry {
        code: "IT0625",
        title: "A thread waits for an order that does not come",
        what_to_do: "At replay a thread waited for another one to synchronize as it did when it was recorded, and for 20 seconds no thread did anything. The message names both. See IT0620.",
    },
    Entry {
        code: "IT0626",
        title: "A thread without an end",
        what_to_do: "A recording with threads can only be replayed with all that was recorded of each: the log is cut off or damaged, or a ring file is missing. Copy whole trace directories; record again.",
    },
    Entry {
        code: "IT0627",
        title: "No such process",
        what_to_do: "`itarget ps` lists the processes of a trace. Children that a thread other than the main one forks are not recorded, nor, without `itarget record --follow`, are programs that a process starts or becomes.",
    },
    Entry {
        code: "IT0628",
        title: "A log can't be packed",
        what_to_do: "The process that writes it still runs or was killed, or the disk is full. Nothing is lost: the trace can be replayed as it is.",
    },
    Entry {
        code: "IT0701",
        title: "gdb is missing",
        what_to_do: "`apt-get install gdb`.",
    },
    Entry {
        code: "IT0801",
        title: "A function can't be recorded",
        what_to_do: "The program uses something outside the supported limits. ITARGET_CC_OFF=1 builds it without itarget.",
    },
    Entry {
        code: "IT0802",
        title: "Address of a variadic library function",
        what_to_do: "Call the function directly, or through a function of yours.",
    },
    Entry {
        code: "IT0804",
        title: "The plugin can't read its orders",
        what_to_do: "A bug, or TMPDIR is not usable.",
    },
    Entry {
        code: "IT0805",
        title: "Wrapper and plugin of different builds",
        what_to_do: "Install all files of itarget from the same build.",
    },
    Entry {
        code: "IT0806",
        title: "The analysis can't be run",
        what_to_do: "The itarget executable moved during the build.",
    },
    Entry {
        code: "IT0807",
        title: "No interface could be computed",
        what_to_do: "The analysis refused the program; its own message comes before.",
    },
    Entry {
        code: "IT0808",
        title: "A temporary file can't be used",
        what_to_do: "Look for a full disk; TMPDIR names the directory for temporary files.",
    },
    Entry {
        code: "IT0810",
        title: "A library function is called in an odd way",
        what_to_do: "Include the header that declares it.",
    },
    Entry {
        code: "IT0811",
        title: "No usable main",
        what_to_do: "A recorded program has a main as the C language wants it.",
    },
    Entry {
        code: "IT0899",
        title: "Bug: invalid code",
        what_to_do: "The pass made code that LLVM refuses. Please report it with the inputs.",
    },
    Entry {
        code: "IT0901",
        title: "The analysis failed",
        what_to_do: "The message says why.",
    },
    Entry {
        code: "IT0902",
        title: "The minimum cut failed",
        what_to_do: "A bug, or a graph too large. ITARGET_CC_CUT=libc links with the library boundary instead.",
    },
    Entry {
        code: "IT0903",
        title: "The replay target can't be used",
        what_to_do: "A pattern of --target, --exclude, ITARGET_CC_TARGET or itarget.toml matches no function, is no glob, or contradicts another. Patterns are names of functions, globs of names, source files or directories. Where a build links several programs (those of a configure script too), `programs` in itarget.toml says which of them the target is for.",
    },
    Entry {
        code: "IT0999",
        title: "Bug: the runtime",
        what_to_do: "The runtime found a state that can't be. Please report it with the trace directory.",
    },
];
