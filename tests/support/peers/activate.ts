import { freePort } from "../../../bench/lab/free_port.ts";

/**
 * Opens a listening socket as descriptor 3 and becomes the program, as a service manager does. Takes the port to listen
 * on.
 */
const ACTIVATE = [
  "perl",
  "-MSocket",
  "-MPOSIX",
  "-e",
  // $^F: descriptors up to that stay open over exec.
  `$^F = 9; socket(my $s, PF_INET, SOCK_STREAM, 0) or die; POSIX::dup2(fileno($s), 3) or die $! if fileno($s) != 3;
   bind($s, sockaddr_in(shift, inet_aton("127.0.0.1"))) or die $!; listen($s, 100) or die $!;
   $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_FDNAMES} = "web"; exec @ARGV;`,
];

/** Returns a free port, and a prefix for the program's command that gives it a socket listening there. */
export function activation(): { port: number; prefix: string[] } {
  const port = freePort();
  return { port, prefix: [...ACTIVATE, `${port}`] };
}
