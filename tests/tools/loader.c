// An ELF interpreter in small: hands over to the program that the kernel has mapped (AT_ENTRY). Programs that need no
// relocation and no library run under it.
#include <elf.h>

#if defined(__x86_64__)
__asm__(
    ".globl _start\n_start:\n\tmov %rsp,%rbx\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall find_entry\n"
    "\tmov %rbx,%rsp\n\txor %edx,%edx\n\tjmp *%rax\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x19, sp\n\tmov x0, sp\n\tbl find_entry\n\tmov sp, x19\n\tbr x0\n");
#else
#error "loader.c knows x86-64 and arm64"
#endif

__attribute__((used, visibility("hidden"))) unsigned long find_entry(const unsigned long* stack) {
  const unsigned long* at = stack + 1 + stack[0] + 1;  // argc, argv, 0
  while (*at != 0) at++;                               // envp
  for (at++; at[0] != AT_NULL; at += 2)
    if (at[0] == AT_ENTRY) return at[1];
  return 0;
}
