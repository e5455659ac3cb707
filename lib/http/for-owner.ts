/**
 * Words of a failure as the owner reads them, on the owner's own pages and in the owner's terminal: "The owner has to set it" is
 * "Set it" there.
 */
export const forOwner = (text: string): string =>
  text
    .replace(/\b(?:The|Its) owner(?: of th\w+ (?:login server|site))? (?:has to|should) (\w)/g, (_, letter: string) =>
      letter.toUpperCase(),
    )
    .replace(/\b(?:the|its) owner(?: of th\w+ (?:login server|site))? (?:has to|should)/g, 'you have to')
    .replace(/\b(?:the|its) owner(?: of th\w+ (?:login server|site))? has/g, 'you have');
