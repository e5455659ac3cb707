export default function Page() {
  return <p>The page that was there before</p>;
}
