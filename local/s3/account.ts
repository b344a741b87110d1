/** The account that owns everything here. */
export const OWNER_ID = 'f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f'
export const OWNER_NAME = 'guestlift'
export const ACCOUNT_ID = '123456789012'
