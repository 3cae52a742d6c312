import { useEffect, useState } from 'react';

/**
 * For components that are a dialog while they are mounted: focus goes back to where it was when they came, unless somebody has taken it
 * meanwhile.
 */
export function useFocusReturn(): void {
  // Read while rendering: by the time of an effect the dialog has taken the focus.
  const [from] = useState(() => document.activeElement);
  useEffect(() => () => {
    setTimeout(() => {
      const nobody = document.activeElement === null || document.activeElement === document.body;
      if (nobody && from instanceof HTMLElement && from.isConnected) from.focus();
    }, 0);
  }, [from]);
}
