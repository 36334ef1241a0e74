/** What a call is refused with, for views that ask and show why not. */
export { Refused } from '$lib/backend/backend';
