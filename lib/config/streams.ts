/** Stands for the part of the AWS SDK that streams, which we never do: see platforms/build.mjs. */
export {};
