import test from 'ava';
import { testScale } from '../scale.ts';
import { measureFailovers } from './failover.ts';

test('after a primary dies its partitions take writes again within two seconds, within four if the controller died too', (t) => {
  const { controllerLives, controllerDies, isKept } = measureFailovers(5 * testScale, 7);
  t.true(isKept);
  t.is(controllerLives.count, 5 * testScale);
  t.true(controllerLives.medianMs > 0 && controllerLives.maxMs <= 2000, JSON.stringify(controllerLives));
  t.true(controllerDies.medianMs > 0 && controllerDies.maxMs <= 4000, JSON.stringify(controllerDies));
});
