/** Finds the secret in what a person pasted. */
export { secretIn } from '$lib/backend/secret';
