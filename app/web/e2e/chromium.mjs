/** The Chromium that hack/tools/chromium.sh found: nothing is downloaded, and the flags keep it from looking for its maker's servers. */
export const chromiumOptions = {
  executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
