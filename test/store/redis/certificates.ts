import { execFileSync } from 'node:child_process';

export const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('openssl: not available, the test of TLS is skipped.');
    return false;
  }
})();

/** A key, and a self-signed certificate for localhost, in files. */
export function makeCertificate(keyFile: string, certFile: string): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', keyFile, '-out', certFile, ...subject],
    { stdio: 'ignore' },
  );
}
