import { expect, test } from './page';

test('the page holds no script and no style of its own, and its policy allows none', async ({ page }) => {
  const response = await page.request.get('/');
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("'unsafe-");
  expect(policy).not.toContain('*');
  const html = await response.text();
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
  for (const [, attributes] of html.matchAll(/<script([^>]*)>/g))
    expect(attributes).toMatch(/src="\/assets\//);
});

test('what the page is made of is compressed and kept by the browser, the page itself is asked for anew', async ({
  page,
}) => {
  const html = await page.request.get('/');
  expect(html.headers()['cache-control']).toBe('no-cache');
  const assets = [...(await html.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
    ([, path]) => path ?? '',
  );
  expect(assets.length).toBeGreaterThan(2);
  for (const path of assets) {
    expect(path).toMatch(/-[\w-]{8}\.\w+$/);
    const asset = await page.request.get(path, { headers: { 'Accept-Encoding': 'br' } });
    expect(asset.headers()['cache-control']).toContain('immutable');
    if (/\.(js|css)$/.test(path)) expect(asset.headers()['content-encoding']).toBe('br');
  }
});
