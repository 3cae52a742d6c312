import { useEffect, useState } from 'react';

/** In a dialog that is mounted when it opens: gives the focus back, when it is unmounted, to what had it. */
export function useReturnFocus(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => {
    // After the dialog's own elements are gone, and only if nothing else has taken the focus.
    setTimeout(() => {
      if (before instanceof HTMLElement && before.isConnected && (document.activeElement === document.body || document.activeElement === null)) before.focus();
    });
  }, [before]);
}
