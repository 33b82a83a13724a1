// The program whose execution is measured: static, and over at once.
int main(void) { return 0; }
