/** The channel on which a change to a practice, an integration or a mailbox is announced to running workers. */
export const CHANGES = 'zorgkoerier_practice';
