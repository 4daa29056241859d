/** The configuration of the sandbox's private Dovecot 2.3, as text. Nothing of the machine's own /etc/dovecot is read. */

/** Who Dovecot's processes run as. As root they drop to accounts of the Debian package; else everything is us. */
export interface DovecotAccounts {
  /** Owns the mail. Dovecot refuses mail of uid 0. */
  readonly mail: { readonly user: string; readonly uid: number; readonly gid: number };
  readonly internal: { readonly user: string; readonly group: string };
  readonly login: string;
  readonly isRoot: boolean;
}

export interface DovecotPorts {
  readonly imaps: number;
  /** Cleartext until STARTTLS. */
  readonly imap: number;
  readonly lmtp: number;
}

export interface DovecotSettings {
  readonly accounts: DovecotAccounts;
  readonly ports: DovecotPorts;
  /** Sockets and pid file; short, since a socket path holds 107 bytes at most (unix(7)). */
  readonly runDirectory: string;
  readonly mailDirectory: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly passwordFile: string;
  readonly logFile: string;
  /** Simultaneous clients to allow for. */
  readonly connectionsMax: number;
}

/** The whole configuration file. */
export function dovecotConfig(settings: DovecotSettings): string {
  return `${general(settings)}\n${listeners(settings)}\n${hibernation(settings)}\n${ownership(settings)}`;
}

function general(s: DovecotSettings): string {
  const { mail, internal, login } = s.accounts;
  return `
protocols = imap lmtp
listen = 127.0.0.1
base_dir = ${s.runDirectory}
state_dir = ${s.runDirectory}
log_path = ${s.logFile}
default_internal_user = ${internal.user}
default_internal_group = ${internal.group}
default_login_user = ${login}
first_valid_uid = 1
ssl = yes
ssl_cert = <${s.certificateFile}
ssl_key = <${s.keyFile}
ssl_min_protocol = TLSv1.2
# Plain text logins are refused before TLS, from our own address too.
disable_plaintext_auth = yes
auth_mechanisms = plain login
# The part before the @ is the account: LMTP addresses have a domain, logins have none.
auth_username_format = %n
auth_cache_size = 0
auth_failure_delay = 0
mail_location = sdbox:~/Maildir
mail_max_userip_connections = ${s.connectionsMax}
default_process_limit = ${s.connectionsMax + 100}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${s.passwordFile}
}
userdb {
  driver = static
  args = uid=${mail.uid} gid=${mail.gid} home=${s.mailDirectory}/%n
}
namespace inbox {
  inbox = yes
}
# The mail is stored as it was given: the same bytes in a mailbox and in its twin.
lmtp_add_received_header = no
lmtp_hdr_delivery_address = none
`;
}

function listeners(s: DovecotSettings): string {
  return `
service imap-login {
  # One process serves many clients, and several share the work.
  service_count = 0
  process_min_avail = 2
  inet_listener imap {
    port = ${s.ports.imap}
  }
  inet_listener imaps {
    port = ${s.ports.imaps}
    ssl = yes
  }
}
service auth {
  client_limit = ${10 * (s.connectionsMax + 200)}
}
service lmtp {
  service_count = 0
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${s.ports.lmtp}
  }
}
service imap {
  service_count = 256
}
`;
}

// A hibernated connection hears of a delivery through inotify at once; an imap process waits a fixed 500 ms more
// (reliability.md §10, measured). One hibernation process holds about 130 clients before bursts queue up.
function hibernation(s: DovecotSettings): string {
  const { internal } = s.accounts;
  return `
imap_hibernate_timeout = 1 secs
service imap {
  extra_groups = ${s.accounts.isRoot ? internal.group : ''}
  unix_listener imap-master {
    user = ${internal.user}
  }
}
service imap-hibernate {
  client_limit = 130
  process_limit = ${Math.ceil(s.connectionsMax / 130) + 1}
  unix_listener imap-hibernate {
    mode = 0660
    group = ${internal.group}
  }
}
`;
}

// An ordinary user can neither chroot nor become another user: every service that would is told not to.
function ownership(s: DovecotSettings): string {
  if (s.accounts.isRoot) return '';
  const { user } = s.accounts.mail;
  const unrooted = ['imap-login', 'anvil', 'stats', 'ipc', 'imap-urlauth-login', 'submission-login', 'pop3-login'];
  const asUs = ['auth', 'auth-worker', 'lmtp', 'log', 'config', 'imap', 'imap-hibernate', 'indexer-worker', 'doveadm'];
  return [
    ...unrooted.map((name) => `service ${name} {\n  chroot =\n  user = ${user}\n}`),
    ...asUs.map((name) => `service ${name} {\n  user = ${user}\n}`),
  ].join('\n');
}
