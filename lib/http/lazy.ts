/**
 * Loads at the first call and keeps what it got, since Node goes through its whole loader at each `import()`. A failure is not
 * kept: it would stay for as long as the instance lives.
 */
export function lazy<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let kept: Promise<Loaded> | undefined;
  return () => {
    const loading = (kept ??= load());
    loading.catch(() => {
      if (kept === loading) kept = undefined;
    });
    return loading;
  };
}
