/** Line drawings on a 20 by 20 grid. */
export const paths = {
  add: 'M10 4v12M4 10h12',
  back: 'M12 4l-6 6 6 6',
  forward: 'M8 4l6 6-6 6',
  up: 'M10 16V4M4.5 9.5L10 4l5.5 5.5',
  close: 'M5 5l10 10M15 5L5 15',
  minus: 'M4 10h12',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5',
  stop: 'M6 6h8v8H6z',
  retry: 'M15.5 10a5.5 5.5 0 1 1-1.6-3.9M14.5 3v3.5H11',
  warning: 'M10 3.5l7.2 12.8H2.8zM10 8.5v3.5M10 14.2v.1',
  check: 'M4.5 10.5l3.7 3.7 7.3-8',
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16 12.2A6.5 6.5 0 0 1 7.8 4a6.5 6.5 0 1 0 8.2 8.2z',
  auto: 'M10 3.5a6.5 6.5 0 1 0 0 13zM10 3.5a6.5 6.5 0 0 1 0 13',
  leave: 'M8 4H4.5v12H8M12.5 6.5L16 10l-3.5 3.5M16 10H8',
  page: 'M5.5 2.5h6L15.5 6.5v11h-10zM11.5 2.5v4h4',
  fit: 'M3.5 6v8M16.5 6v8M6.5 10h7M8.5 8l-2 2 2 2M11.5 8l2 2-2 2',
} as const;

export type IconName = keyof typeof paths;
