import { Module } from '@nestjs/common';
import { EffortComponent } from './effort.component.js';

@Module({ providers: [EffortComponent], exports: [EffortComponent] })
export class EffortModule {}
